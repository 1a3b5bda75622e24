/** What an instance asks of a host, and what a host has. CPU in thousandths of a core, everything else in bytes. */
import type { Config, Devices } from './instance.ts';
import { parseBytes } from './size.ts';

export interface Requests {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

export const NOTHING: Requests = { cpuMillis: 0, memoryBytes: 0, diskBytes: 0 };

/**
 * Limits are requests: what is promised as a maximum is counted as held. An instance without a limit asks for nothing, as
 * in LXD; such instances are spread by count.
 */
export function requestsOf(config: Config, devices: Devices, hostMemoryBytes = 0): Requests {
  const root = Object.values(devices).find(device => device.type === 'disk' && device.path === '/');
  return {
    cpuMillis: cpuMillis(config['limits.cpu'] ?? '', config['limits.cpu.allowance'] ?? ''),
    memoryBytes: memoryBytes(config['limits.memory'] ?? '', hostMemoryBytes),
    diskBytes: root?.size === undefined || root.size === '' ? 0 : parseBytes('size', root.size),
  };
}

export function plus(a: Requests, b: Requests): Requests {
  return {
    cpuMillis: a.cpuMillis + b.cpuMillis,
    memoryBytes: a.memoryBytes + b.memoryBytes,
    diskBytes: a.diskBytes + b.diskBytes,
  };
}

function cpuMillis(count: string, allowance: string): number {
  const cpus = count === '' ? 0 : /^\d+$/.test(count) ? Number(count) : cpuSet(count).length;
  const hard = /^(\d+)ms\/(\d+)ms$/.exec(allowance);
  if (hard) return Math.round((Number(hard[1]) / Number(hard[2])) * 1000);
  return cpus * 1000;
}

/** "0,2-3" -> [0, 2, 3]; callers have validated the text. */
export function cpuSet(text: string): number[] {
  return text.split(',').flatMap(part => {
    const [first, last] = part.split('-').map(Number);
    return Array.from({ length: (last ?? first!) - first! + 1 }, (_, i) => first! + i);
  });
}

function memoryBytes(limit: string, hostMemoryBytes: number): number {
  if (limit === '') return 0;
  const percent = /^(\d+)%$/.exec(limit);
  return percent ? Math.floor((hostMemoryBytes * Number(percent[1])) / 100) : parseBytes('limits.memory', limit);
}
