/** After a reboot of a host: what ran there runs again, and so does what is to be started with it. */
import { AppError } from '../../domain/errors.ts';
import type { Config, InstanceRecord, StatusRecord } from '../../domain/instance.ts';
import { isTrue } from '../../domain/values.ts';
import { LAST_BOOT } from '../instances/boot.ts';
import { expanded } from '../instances/expanded.ts';
import { lockKey } from '../saga/locks.ts';
import { startInstance } from '../sagas/change-state.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { startStateful } from '../sagas/stateful-power.ts';
import { INSTANCES, NODE_STATUS, STATUS } from '../spaces.ts';
import type { ReconcileContext, Reconciler } from './reconciler.ts';

export const autostart: Reconciler = {
  name: 'autostart',
  periodMs: 30_000,
  hints: [NODE_STATUS.prefix, STATUS.prefix],
  run: async (context: ReconcileContext) => {
    const { view, engine, clock, signal } = context;
    const due = view
      .list(INSTANCES)
      .filter(({ value }) => {
        if (value.phase !== 'ready') return false;
        const node = view.get(NODE_STATUS.key(value.node))?.value;
        return node?.state === 'online' && wasStopped(value, view.get(STATUS.key(value.id))?.value, node.bootId);
      })
      .map(({ value }) => ({ value, config: expanded(view, value).config }))
      .filter(({ value, config }) => shallStart(value, config))
      .sort((a, b) => priority(b.config) - priority(a.config) || a.value.name.localeCompare(b.value.name));
    const started: string[] = [];
    for (const { value, config } of due) {
      const { project, name, id, stateful = false } = value;
      if (view.get(lockKey(`instance/${project}/${name}`)) !== undefined) continue;
      const beginning = instanceBeginning('Starting instance', value);
      try {
        if (stateful) await engine.start(startStateful, { project, name, id }, beginning);
        else await engine.start(startInstance, { project, name, id, force: false, timeoutMs: -1 }, beginning);
        started.push(name);
        await clock.sleep(1000 * Number(config['boot.autostart.delay'] ?? 0), signal);
      } catch (thrown) {
        if (AppError.from(thrown).code !== 'busy') throw thrown;
      }
    }
    return started.length === 0 ? '' : `starts ${started.join(', ')}`;
  },
};

/** Pure: its host has rebooted since it was last started there, and it does not run. */
function wasStopped(record: InstanceRecord, status: StatusRecord | undefined, bootId: string): boolean {
  const { node, generation, ephemeral, config } = record;
  const seen = status?.state === 'stopped' && status.node === node && status.generation === generation;
  return seen && !ephemeral && bootId !== '' && config[LAST_BOOT] !== bootId;
}

/**
 * Pure. `boot.autostart` decides; without it what ran runs again. A start that failed is not repeated: it leaves the
 * instance with the boot id of now.
 */
function shallStart({ wanted }: InstanceRecord, config: Config): boolean {
  const auto = config['boot.autostart'] ?? '';
  return auto === '' ? wanted !== 'stopped' : isTrue(auto);
}

function priority(config: Config): number {
  return Number(config['boot.autostart.priority'] ?? 0);
}
