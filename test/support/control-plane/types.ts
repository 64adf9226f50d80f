import type { ControlPlaneUser } from './identities.ts';

export interface ControlPlaneOptions {
  /** Needed for namespaces to be deleted, for garbage collection, Deployments and Jobs. Default: false. */
  readonly controllerManager?: boolean | undefined;
  /** Default: false. */
  readonly scheduler?: boolean | undefined;
  /** Users besides the administrator, for {@link ControlPlane.kubeconfigFor}. */
  readonly users?: readonly ControlPlaneUser[] | undefined;
  /**
   * Address of this machine on the cable to a node. Given, the API server listens there too, and its URL names `localhost`,
   * which its certificate then holds in place of 127.0.0.1. Default: loopback only.
   */
  readonly nodeNetworkAddress?: string | undefined;
  /** Added to the API server's flags, for example `--feature-gates=…`. */
  readonly apiServerFlags?: readonly string[] | undefined;
  /** Aborts the start; what has been started by then is stopped. */
  readonly signal?: AbortSignal | undefined;
  /** Gets a line per step. By default only the getting of missing binaries and a component that dies are told, on stderr. */
  readonly log?: ((line: string) => void) | undefined;
}

export interface ControlPlane extends AsyncDisposable {
  /** Kubeconfig of a cluster administrator. */
  readonly kubeconfigFile: string;
  /** `https://127.0.0.1:<port>`, the same after a restart of the API server. */
  readonly serverUrl: string;
  /** PEM, with which the API server's certificate is verified. */
  readonly certificateAuthority: string;
  readonly kubectlFile: string;
  /** Holds every binary this control plane was started with. */
  readonly binDirectory: string;
  /** Private to this control plane and removed by `stop`; holds the components' logs under `logs`. */
  readonly directory: string;
  /** The components that are running now. */
  readonly components: readonly RunningComponent[];
  /**
   * Writes a kubeconfig for one of `options.users` and returns its path.
   *
   * @throws Error when the user was not declared: the API server reads its users once, when it starts.
   */
  kubeconfigFor(userName: string): Promise<string>;
  /** Stops the API server while etcd goes on: at once, as in a crash, or gracefully within `graceMs`. */
  stopApiServer(graceMs?: number): Promise<void>;
  /** Starts it again on the same port with the same data, and waits until it is ready. */
  startApiServer(): Promise<void>;
  /** Kills every component at once, etcd too; the data stay. */
  stopAll(): Promise<void>;
  /** Starts what `stopAll` killed on the same ports with the same data, and waits until all are ready. */
  startAll(): Promise<void>;
  /** Ends all processes and removes the directory. May be called more than once. */
  stop(): Promise<void>;
}

export interface RunningComponent {
  readonly name: string;
  readonly pid: number;
}
