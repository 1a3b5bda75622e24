/** Where the pause goes, drawn: a bar for each combination, its phases one after another. */
import { phasesOf } from './rows.ts';
import type { Trial } from './trial.ts';

interface Bar {
  readonly name: string;
  readonly moves: Trial['moves'];
}

const COLOURS: Readonly<Record<string, string>> = {
  dump: '#4c78a8',
  'send images': '#72b7b2',
  'end of volume': '#54a24b',
  restore: '#f58518',
  switch: '#e45756',
  resume: '#b279a2',
};
const [NAMES, WIDTH, ROW, TOP] = [330, 620, 22, 60];
const GRID_MS = 50;

/** SVG; medians of the moves. */
export function drawPhases(bars: readonly Bar[]): string {
  const drawn = bars
    .filter(({ moves }) => moves.length > 0)
    .map(({ name, moves }) => ({ name, phases: phasesOf(moves) }));
  const longest = Math.max(GRID_MS, ...drawn.map(({ phases }) => sum(Object.values(phases))));
  const scale = WIDTH / (Math.ceil(longest / GRID_MS) * GRID_MS);
  const height = TOP + drawn.length * ROW + 10;
  const step = longest > 20 * GRID_MS ? 10 * GRID_MS : GRID_MS;
  const grid = Array.from({ length: Math.floor(longest / step) + 1 }, (_, index) => {
    const x = NAMES + index * step * scale;
    return `<path d="M${x} ${TOP - 6}V${height - 8}" stroke="#ddd"/><text x="${x}" y="${TOP - 10}" text-anchor="middle">${index * step}</text>`;
  });
  const legend = Object.entries(COLOURS).map(
    ([name, colour], index) =>
      `<rect x="${NAMES + index * 105}" y="10" width="12" height="12" fill="${colour}"/><text x="${NAMES + index * 105 + 16}" y="20">${name}</text>`,
  );
  const rows = drawn.map(({ name, phases }, index) => {
    const y = TOP + index * ROW;
    let x = NAMES;
    const parts = Object.entries(phases).map(([phase, ms]) => {
      const part = `<rect x="${x.toFixed(1)}" y="${y}" width="${(ms * scale).toFixed(1)}" height="${ROW - 6}" fill="${COLOURS[phase]}"><title>${phase}: ${ms.toFixed(0)} ms</title></rect>`;
      x += ms * scale;
      return part;
    });
    return `<text x="${NAMES - 8}" y="${y + 12}" text-anchor="end">${name}</text>${parts.join('')}`;
  });
  const size = `width="${NAMES + WIDTH + 20}" height="${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    '<text x="10" y="20">Phases of the pause, ms (medians)</text>',
    ...legend,
    ...grid,
    ...rows,
    '</svg>\n',
  ].join('\n');
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
