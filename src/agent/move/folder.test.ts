import assert from 'node:assert/strict';
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { run, start } from '../command.ts';
import { SCRIPTS } from '../criu/locate.ts';
import { awaitFacts } from './await-facts.ts';
import { awaitOrEnd } from './await-or-end.ts';
import { readFacts } from './facts.ts';
import { furnish, say } from './folder.ts';
import { isMovingIn } from './moves-folder.ts';

describe("a move's folder", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-folder-'));
    await furnish(folder, [], []);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** The real gate of our scripts; its exit status is what CRIU would see. */
  const gate = () =>
    start('sh', ['-c', `. ${SCRIPTS}/gate.sh; gate verdict`], { env: { BERTH_MOVE: folder }, stdio: 'ignore' });
  const standing = () =>
    awaitFacts(folder, ({ stages }) => stages.has('verdict'), { timeoutMs: 5000, what: 'coming to the gate' });

  for (const code of [0, 3]) {
    it(`an end with ${code} is told by a file that takes no room`, async () => {
      const program = start(join(SCRIPTS, 'checkpoint'), ['sh', '-c', `exit ${code}`], { env: { BERTH_MOVE: folder } });
      await program.exited;
      assert.equal(readFacts(folder).exit, code === 0 ? 0 : 1);
      assert.equal((await stat(join(folder, 'exit'))).nlink, 2);
    });
  }

  for (const [word, code] of [
    ['go', 0],
    ['back', 1],
  ] as const) {
    it(`"${word}" opens the gate for whoever stands there`, async () => {
      const { exited } = gate();
      await standing();
      say(folder, 'verdict', word);
      assert.equal((await exited).code, code);
      assert.equal(readFacts(folder).words.verdict, word);
    });

    it(`"${word}" said before anybody came is found`, async () => {
      say(folder, 'verdict', word);
      assert.equal((await gate().exited).code, code);
    });
  }

  it('a word that was written, but not yet called out when the agent died, is called out by the next', async () => {
    const { exited } = gate();
    await standing();
    await writeFile(join(folder, 'verdict.word'), 'go\n');
    say(folder, 'verdict', 'go');
    assert.equal((await exited).code, 0);
  });

  it('the first word stands: another is refused and changes nothing', async () => {
    say(folder, 'verdict', 'go');
    say(folder, 'verdict', 'go');
    assert.throws(() => say(folder, 'verdict', 'back'), /already decided otherwise/);
    assert.equal(await readFile(join(folder, 'verdict.word'), 'utf8'), 'go\n');
  });

  it('of many who speak at once one is heard', async () => {
    const words = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 'go' : 'back') as 'go' | 'back');
    const said = await Promise.allSettled(words.map(async word => say(folder, 'verdict', word)));
    const heard = readFacts(folder).words.verdict;
    for (const [index, { status }] of said.entries())
      assert.equal(status, words[index] === heard ? 'fulfilled' : 'rejected');
  });

  it('a checkpoint that was killed is not taken for one at work, nor for one that ended', async () => {
    const program = start('sh', ['-c', 'sleep 100', folder], { stdio: 'ignore' });
    await writeFile(join(folder, 'pid'), `${program.pid}\n`);
    assert.deepEqual([readFacts(folder).begun, readFacts(folder).alive], [true, true]);
    program.kill('SIGKILL');
    await program.exited;
    const { begun, alive, exit } = readFacts(folder);
    assert.deepEqual([begun, alive, exit], [true, false, undefined]);
  });

  it('waiting ends with a deadline, and with a folder that goes', async () => {
    const never = { timeoutMs: 50, what: 'this' };
    await assert.rejects(
      awaitFacts(folder, () => false, never),
      /this took longer than 0\.05 s/,
    );
    const gone = awaitFacts(folder, ({ begun }) => !begun, { timeoutMs: 5000, what: 'going' });
    await writeFile(join(folder, 'pid'), '1\n');
    await rm(folder, { recursive: true });
    assert.equal((await gone).begun, false);
  });

  it('can be read while marks come and go', async () => {
    const restless = 'while :; do : >at.pages-cut; rm at.pages-cut; done';
    const { kill, exited } = start('sh', ['-c', restless], { cwd: folder, stdio: 'ignore' });
    const until = performance.now() + 500;
    let seen = 0;
    for (let looks = 0; performance.now() < until || looks < 1000; looks += 1)
      seen += readFacts(folder).stages.has('pages-cut') ? 1 : 0;
    kill('SIGKILL');
    await exited;
    assert.ok(seen > 0, 'marks came and went');
  });

  it('what hangs is ended, with all that was begun for it', async () => {
    const hung = start('sh', ['-c', 'sleep 100', folder], { env: { BERTH_MOVE: folder }, stdio: 'ignore' });
    process.kill(hung.pid, 'SIGSTOP');
    await assert.rejects(
      awaitOrEnd(folder, () => false, 50, 'saving'),
      { code: 'unsupported', message: 'saving took longer than 0.05 s: CRIU hung and was ended' },
    );
    assert.notEqual((await hung.exited).code, 0);
  });

  it('both words lie ready: saying one takes no room, which images may have used up', async () => {
    const before = await readdir(folder);
    await say(folder, 'images', 'go');
    const added = (await readdir(folder)).filter(name => !before.includes(name));
    assert.deepEqual(added, ['images.word']);
    assert.equal((await stat(join(folder, 'images.word'))).ino, (await stat(join(folder, 'say.go'))).ino);
  });

  it('an instance is being moved while a folder names it', async () => {
    const id = '33333333-3333-4333-8333-333333333333';
    assert.equal(isMovingIn(folder, id), false);
    await run('mkdir', [join(folder, `m1.${id}.source`)]);
    assert.equal(isMovingIn(folder, id), true);
    assert.equal(isMovingIn(join(folder, 'none'), id), false);
  });

  it('the pipe of a gate is not blocked by a reader that left', async () => {
    const reader = await open(join(folder, 'verdict.gate'), 'r+');
    await reader.close();
    say(folder, 'verdict', 'back');
  });
});
