/** What Prometheus may ask of this controller. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { SEEN } from '../domain/instance.ts';
import type { View } from '../store/view.ts';
import { INSTANCES, NODE_STATUS, NODES, SAGAS, STATUS } from './spaces.ts';

export interface Metrics {
  request(route: string, method: string, status: number, seconds: number): void;
  readonly contentType: string;
  render(): Promise<string>;
}

export function openMetrics(view: View): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'berth_api_request_seconds',
    help: 'Time from request to answer',
    labelNames: ['route', 'method'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  });
  const answers = new Counter({
    name: 'berth_api_answers_total',
    help: 'Answers by status',
    labelNames: ['method', 'status'],
    registers,
  });
  new Gauge({
    name: 'berth_instances',
    help: 'Instances by state',
    labelNames: ['state'],
    registers,
    collect() {
      for (const state of SEEN) this.set({ state }, 0);
      for (const { value } of view.list(INSTANCES))
        this.inc({ state: view.get(STATUS.key(value.id))?.value.state ?? 'stopped' });
    },
  });
  new Gauge({
    name: 'berth_node_online',
    help: '1 for a node whose agent answers',
    labelNames: ['node'],
    registers,
    collect() {
      this.reset();
      for (const { value } of view.list(NODES))
        this.set({ node: value.name }, view.get(NODE_STATUS.key(value.name))?.value.state === 'online' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'berth_operations_unfinished',
    help: 'Operations in progress',
    registers,
    collect() {
      this.set(view.list(SAGAS).filter(({ value }) => value.state === 'running' || value.state === 'unwinding').length);
    },
  });
  new Gauge({
    name: 'berth_view_stale_seconds',
    help: 'For how long the store could not be followed; 0 while it can',
    registers,
    collect() {
      this.set(view.staleSinceMs === undefined ? 0 : (Date.now() - view.staleSinceMs) / 1000);
    },
  });
  return {
    request: (route, method, status, seconds) => {
      requests.observe({ route, method }, seconds);
      answers.inc({ method, status: String(status) });
    },
    contentType: registry.contentType,
    render: () => registry.metrics(),
  };
}
