import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Metrics, Readings } from '../ports/metrics.ts';
import { createReadingGauges } from './reading-gauges.ts';
import { upstreamProvider } from './upstream-provider.ts';

export interface PrometheusMetrics extends Metrics {
  /** Whom to ask at each {@link render}. */
  readFrom(read: () => Readings): void;
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

const ADMISSION_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 8];
const PROVIDER_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Prometheus metrics in a registry of their own; upstream's names where upstream counts the same thing. */
export function createMetrics(): PrometheusMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const admissions = new Histogram({
    name: 'latchkey_admission_duration_seconds',
    help: 'Time from an AdmissionReview to its answer.',
    labelNames: ['outcome'],
    buckets: ADMISSION_BUCKETS_S,
    registers,
  });
  const providerDurations = new Histogram({
    name: 'latchkey_provider_request_duration_seconds',
    help: 'Time of one request to a secret backend.',
    labelNames: ['provider', 'call', 'status'],
    buckets: PROVIDER_BUCKETS_S,
    registers,
  });
  const providerRequests = new Counter({
    name: 'latchkey_provider_requests_total',
    help: 'Requests to a secret backend.',
    labelNames: ['provider', 'call', 'status'],
    registers,
  });
  const upstreamCalls = new Counter({
    name: 'externalsecret_provider_api_calls_count',
    help: 'Requests to a secret backend, by upstream’s names of providers.',
    labelNames: ['provider', 'call', 'status'],
    registers,
  });
  const secretWrites = new Counter({
    name: 'latchkey_secret_writes_total',
    help: 'Secrets created, updated or deleted.',
    labelNames: ['operation'],
    registers,
  });
  const syncs = new Counter({
    name: 'externalsecret_sync_calls_total',
    help: 'Attempts to bring the Secret of an ExternalSecret up to date.',
    labelNames: ['name', 'namespace'],
    registers,
  });
  const syncErrors = new Counter({
    name: 'externalsecret_sync_calls_error',
    help: 'Attempts that failed.',
    labelNames: ['name', 'namespace'],
    registers,
  });
  const duration = new Gauge({
    name: 'externalsecret_reconcile_duration',
    help: 'Time of the last attempt, in nanoseconds.',
    labelNames: ['name', 'namespace'],
    registers,
  });
  const showReadings = createReadingGauges(registry);
  let read: (() => Readings) | undefined;
  return {
    readFrom(source) {
      read = source;
    },
    admission: (outcome, durationSeconds) => admissions.observe({ outcome }, durationSeconds),
    providerRequest(provider, call, status, durationSeconds) {
      providerRequests.inc({ provider, call, status });
      providerDurations.observe({ provider, call, status }, durationSeconds);
      const upstream = upstreamProvider(provider, call);
      if (upstream !== undefined) upstreamCalls.inc({ provider: upstream, call, status });
    },
    sync(namespace, name, { isError, durationMs }) {
      syncs.inc({ namespace, name });
      if (isError) syncErrors.inc({ namespace, name });
      duration.set({ namespace, name }, durationMs * 1e6);
    },
    forget(namespace, name) {
      for (const metric of [syncs, syncErrors, duration]) metric.remove({ namespace, name });
    },
    secretWrite: (operation) => secretWrites.inc({ operation }),
    async render() {
      if (read !== undefined) showReadings(read());
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
