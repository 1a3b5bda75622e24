/** An instance as the API shows it. Maps and lists may be null from some servers; renderers must bear it. */
export interface Instance {
  readonly name: string;
  readonly status: string;
  readonly status_code: number;
  readonly type: string;
  readonly architecture: string;
  readonly project?: string;
  readonly location?: string;
  readonly description?: string;
  readonly ephemeral: boolean;
  readonly stateful: boolean;
  readonly profiles: readonly string[] | null;
  readonly config: Settings | null;
  readonly devices: Devices | null;
  readonly expanded_config?: Settings | null;
  readonly expanded_devices?: Devices | null;
  readonly created_at: string;
  readonly last_used_at: string;
  /** Only with recursion 2 (one instance: 1). */
  readonly state?: InstanceState | null;
  readonly snapshots?: readonly Snapshot[] | null;
}

export type Settings = Readonly<Record<string, string>>;
export type Devices = Readonly<Record<string, Settings>>;

export interface InstanceState {
  readonly status: string;
  readonly status_code: number;
  readonly pid: number;
  readonly processes: number;
  /** Nanoseconds. */
  readonly cpu: { readonly usage: number } | null;
  readonly memory: {
    readonly usage: number;
    readonly usage_peak: number;
    readonly swap_usage: number;
    readonly swap_usage_peak: number;
  } | null;
  readonly disk: Readonly<Record<string, { readonly usage: number }>> | null;
  readonly network: Readonly<Record<string, NetworkState>> | null;
}

export interface NetworkState {
  readonly addresses:
    | readonly { readonly family: string; readonly address: string; readonly netmask: string; readonly scope: string }[]
    | null;
  readonly counters: Readonly<Record<string, number>>;
  readonly hwaddr: string;
  readonly host_name: string;
  readonly mtu: number;
  readonly state: string;
  readonly type: string;
}

interface Snapshot {
  readonly name: string;
  readonly created_at: string;
  readonly expires_at?: string;
  readonly stateful: boolean;
}

export const STATUS = { running: 103, stopped: 102, frozen: 110, error: 112 } as const;
