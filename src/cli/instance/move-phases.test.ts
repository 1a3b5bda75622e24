import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawMovePhases, movePhases } from './move-phases.ts';

const METADATA = {
  'berth.mode': 'post-copy',
  'berth.mode_reason': 'as asked',
  'berth.predicted_pause_ms': 190.4,
  'berth.freeze_ms': { dump: 80, images: 10, volume: 37, total: 100 },
  'berth.restore_ms': { restore: 90 },
  'berth.switch_ms': 6,
  'berth.resume_ms': { resume: 13, settle: 27, finish: 0, pause: 4, total: 62 },
  'berth.pause_ms': 200,
  'berth.memory_ms': 948,
  'berth.memory_bytes': 128 * 2 ** 20,
};

test('the phases of a move add up to its pause', () => {
  const found = movePhases(METADATA)!;
  assert.deepEqual(found.phases, {
    dump: 80,
    'send images': 10,
    'end of volume': 10,
    restore: 90,
    switch: 6,
    resume: 4,
  });
  assert.deepEqual([found.pauseMs, found.memory], [200, { ms: 948, bytes: 128 * 2 ** 20 }]);
});

test('they are drawn one after another', () => {
  assert.equal(
    drawMovePhases(movePhases(METADATA)!),
    [
      'pause 200 ms, predicted 190 ms; post-copy: as asked',
      '  dump             80 ms  ████████████████████',
      '  send images      10 ms                      ███',
      '  end of volume    10 ms                         ██',
      '  restore          90 ms                           ███████████████████████',
      '  switch            6 ms                                                  █',
      '  resume            4 ms                                                   █',
      'then 128MiB of memory followed in 948 ms: so long both hosts were needed',
    ].join('\n'),
  );
});

test('what went ahead is said before them', () => {
  const rounds = [
    { round: 1, bytes: 64 * 2 ** 20, ms: 300, pauseMs: 40 },
    { round: 2, bytes: 2 ** 20, ms: 60, pauseMs: 11.7 },
  ];
  const [first] = drawMovePhases(movePhases({ ...METADATA, 'berth.memory_rounds': rounds })!).split('\n');
  assert.equal(first, 'memory went ahead in rounds: 64MiB, 1MiB; they held it up for 52 ms in all');
});

test('other operations have none', () => {
  for (const metadata of [undefined, null, {}, { 'berth.freeze_ms': { total: 1 } }])
    assert.equal(movePhases(metadata), undefined);
});
