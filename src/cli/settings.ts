import { Command, InvalidArgumentError, Option } from 'commander';
import { FAILURE_MODES, type FailureMode } from '../../webhook-config/parameters.ts';
import {
  InvalidSetting,
  parseCount,
  parseDurationSetting,
  parseDelimiter,
  parseHosts,
  parseNames,
  parseNamespaces,
  parsePort,
  parseWebhookUrl,
} from '../config/settings.ts';
import { LOG_LEVELS, type LogLevel } from '../telemetry/logger.ts';
import { DEFAULT_TEMPLATE_SETTINGS } from '../stores/template.ts';
import type { AdmissionSettings } from '../wiring.ts';

/** The options of `latchkey serve`, as commander hands them over. */
export interface ServeSettings extends AdmissionSettings {
  readonly controllerClass: string;
  readonly mode: 'full' | 'admission-only';
  readonly concurrency: number;
  readonly refreshRate: number;
  readonly kubeconfig?: string;
  readonly manifests?: readonly string[];
  readonly host: string;
  readonly webhookPort: number;
  readonly operationsPort: number;
  readonly namespace: string;
  readonly certificateSecret: string;
  readonly certificateDirectory?: string;
  readonly webhookUrl?: URL;
  readonly webhookService: string;
  /** File. */
  readonly clientCa?: string;
  readonly register: boolean;
  readonly failureMode: FailureMode;
  readonly excludedNamespaces: readonly string[];
  /** Undefined: 5 s behind a Service, else none. */
  readonly shutdownDelayMs?: number;
  readonly drainTimeoutMs: number;
  readonly logLevel: LogLevel;
}

/** Flags win over environment variables, those over the defaults. */
export function serveOptions(): readonly Option[] {
  return [
    option('--kubeconfig <file>', 'kubeconfig to reach the cluster with (default: in-cluster, then KUBECONFIG)'),
    option('--manifests <paths...>', 'serve over files and folders of manifests instead of a cluster'),
    option(
      '--mode <mode>',
      'full also keeps Secrets fresh that no pod asks for, in one of all replicas; admission-only leaves that, and every status, to another controller. Over --manifests there is admission only',
    )
      .choices(['full', 'admission-only'])
      .default('full'),
    option('--concurrency <count>', 'ExternalSecrets that are synced at once beside those that pods wait for')
      .argParser(checked(parseCount))
      .default(256),
    option(
      '--refresh-rate <count>',
      'overdue ExternalSecrets of one store that are fetched a second, as after an outage or a change of the store',
    )
      .argParser(checked(parseCount))
      .default(20),
    option('--host <address>', 'address to listen on').default('0.0.0.0'),
    option('--webhook-port <port>', 'TLS port of the webhook').argParser(checked(parsePort)).default(8443),
    option('--operations-port <port>', 'plain port of /healthz, /readyz and /metrics')
      .argParser(checked(parsePort))
      .default(8080),
    option('--namespace <name>', 'namespace that Latchkey itself lives in').default('latchkey-system'),
    option('--certificate-secret <name>', 'Secret in that namespace that keeps CA, certificate and path').default(
      'latchkey-webhook',
    ),
    option('--certificate-directory <dir>', 'keep them in a directory instead'),
    option('--webhook-url <url>', 'register the webhook under this URL instead of a Service').argParser(
      checked(parseWebhookUrl),
    ),
    option('--webhook-service <name>', 'Service in that namespace to register the webhook under').default('latchkey'),
    option(
      '--client-ca <file>',
      'only callers with a certificate of these authorities (PEM) are heard; the API server has to be told to show one',
    ),
    option('--no-register', 'leave the registration of webhook and policies to somebody else'),
    option(
      '--failure-mode <mode>',
      'what happens to pods that Latchkey did not see: closed denies those that would start wrong, closed-all every one, open none; strict has the API server require the webhook (clusters before 1.30)',
    )
      .choices(FAILURE_MODES)
      .default('closed'),
    option(
      '--excluded-namespaces <names>',
      'comma-separated namespaces that are left alone even when they are labelled',
    )
      .argParser(checked(parseNamespaces))
      .default([], 'none'),
    option(
      '--shutdown-delay <duration>',
      'how long after SIGTERM new requests are still answered, until the API server sends none any more (default: 5s behind a Service, else 0s)',
    )
      .argParser(checked(parseDurationSetting))
      .attributeNameAs('shutdownDelayMs'),
    option('--drain-timeout <duration>', 'how long requests in flight may take after SIGTERM')
      .argParser(checked(parseDurationSetting))
      .default(10_000, '10s')
      .attributeNameAs('drainTimeoutMs'),
    option('--log-level <level>', 'lowest level that is logged').choices(LOG_LEVELS).default('info'),
    ...admissionOptions(),
  ];
}

/** Settings out of a command line alone, for scripts that start the server themselves. */
export function parseServeSettings(argv: readonly string[]): ServeSettings {
  const command = new Command().exitOverride();
  for (const each of serveOptions()) command.addOption(each);
  return command.parse(argv, { from: 'user' }).opts<ServeSettings>();
}

/** Options that change what is decided about a pod; the offline commands take them too. */
export function admissionOptions(): readonly Option[] {
  return [
    ...storeOptions(),
    option(
      '--default-stale-if-error <duration>',
      'how long past its age limit a value may serve when no new one is to be had; 0s = never',
    )
      .argParser(checked(parseDurationSetting))
      .default(86_400_000, '24h')
      .attributeNameAs('defaultStaleIfErrorMs'),
  ];
}

/** Options that change what stores may be used, and how. */
function storeOptions(): readonly Option[] {
  return [
    option('--controller-class <name>', 'stores with another spec.controller belong to somebody else').default(
      'default',
    ),
    option('--ambient-credentials <who>', 'stores that may use the identity Latchkey itself runs under')
      .choices(['cluster-stores', 'all', 'none'])
      .default('cluster-stores'),
    option(
      '--allowed-backend-hosts <hosts>',
      'comma-separated hosts that stores may use also over http and at loopback, link-local and metadata addresses',
    )
      .argParser(checked(parseHosts))
      .default([], 'none'),
    ...templateOptions(),
  ];
}

/** Options of the commands that answer questions about manifests. */
export function sessionOptions(): readonly Option[] {
  return [
    new Option('-f, --filename <paths...>', 'files and folders of manifests to ask about; - is standard input'),
    new Option('--lookup <paths...>', 'more of them, where stores and ExternalSecrets are only looked up'),
    new Option(
      '--cluster',
      'look up stores, ExternalSecrets and Secrets in the cluster; without -f, its workloads too',
    ),
    ...runOptions(30_000, '30s'),
  ];
}

/** Options of the command that works on ExternalSecrets. */
export function syncOptions(): readonly Option[] {
  return [
    new Option('-f, --filename <paths...>', 'files and folders of manifests to work on in memory; - is standard input'),
    new Option('--cluster', 'work on the cluster instead, and write Secrets and statuses there').conflicts('filename'),
    new Option('-n, --namespace <name>', 'only its ExternalSecrets; names without a namespace are in it'),
    new Option('--dry-run', 'ask the backends, but write nothing'),
    ...runOptions(600_000, '10m'),
    ...storeOptions(),
  ];
}

/** Options of the command that shows Secrets. */
export function renderOptions(): readonly Option[] {
  return [
    new Option('-f, --filename <paths...>', 'files and folders with the ExternalSecrets; - is standard input'),
    new Option('--lookup <paths...>', 'more of them, where stores and other objects are only looked up'),
    new Option('--cluster', 'look up stores and other objects in the cluster; without -f, its ExternalSecrets too'),
    new Option('-n, --namespace <name>', 'only ExternalSecrets of this namespace'),
    ...runOptions(30_000, '30s'),
    ...storeOptions(),
  ];
}

/** Options that change what templates may do. The delimiters' flags are upstream's. */
function templateOptions(): readonly Option[] {
  const { templateLeftDelimiter, templateRightDelimiter } = DEFAULT_TEMPLATE_SETTINGS;
  return [
    option('--template-left-delimiter <text>', 'what an action of a template begins with')
      .argParser(checked(parseDelimiter))
      .default(templateLeftDelimiter),
    option('--template-right-delimiter <text>', 'what it ends with')
      .argParser(checked(parseDelimiter))
      .default(templateRightDelimiter),
    option(
      '--template-time-limit <duration>',
      'how long the templates of one ExternalSecret may have the processor; making RSA keys and bcrypt take some seconds',
    )
      .argParser(checked(parseDurationSetting))
      .default(DEFAULT_TEMPLATE_SETTINGS.templateTimeLimitMs, '250ms')
      .attributeNameAs('templateTimeLimitMs'),
    option(
      '--allowed-template-metadata <names>',
      'comma-separated labels that make others trust a Secret (argocd.argoproj.io/secret-type), and finalizers, that templates may set',
    )
      .argParser(checked(parseNames))
      .default([], 'none'),
  ];
}

function runOptions(timeoutMs: number, timeout: string): readonly Option[] {
  return [
    option('--kubeconfig <file>', 'kubeconfig for --cluster'),
    option('--timeout <duration>', 'give up after this')
      .argParser(checked(parseDurationSetting))
      .default(timeoutMs, timeout)
      .attributeNameAs('timeoutMs'),
  ];
}

/** An option whose attribute carries a unit that its flag leaves to the value. */
class NamedOption extends Option {
  #name: string | undefined;

  attributeNameAs(name: string): this {
    this.#name = name;
    return this;
  }

  override attributeName(): string {
    return this.#name ?? super.attributeName();
  }
}

function option(flags: string, description: string): NamedOption {
  const created = new NamedOption(flags, description);
  const long = flags.split(/[ ,]/)[0]?.replace(/^--(no-)?/, '') ?? '';
  created.env(`LATCHKEY_${long.replaceAll('-', '_').toUpperCase()}`);
  return created;
}

function checked<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw error instanceof InvalidSetting ? new InvalidArgumentError(error.message) : error;
    }
  };
}
