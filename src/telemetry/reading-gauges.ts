import { Gauge, type Registry } from 'prom-client';
import type { Readings } from '../ports/metrics.ts';

/** Gauges that take their values from what is read when somebody asks for metrics; the lag of the event loop is prom-client's own. */
export function createReadingGauges(registry: Registry): (readings: Readings) => void {
  const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[] = []): Gauge<T> =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const condition = gauge(
    'externalsecret_status_condition',
    'Conditions of ExternalSecrets, 1 for the status each has.',
    ['name', 'namespace', 'condition', 'status'],
  );
  const sinceSuccess = gauge(
    'latchkey_store_seconds_since_success',
    'Time since a fetch from the store last succeeded.',
    ['kind', 'namespace', 'name'],
  );
  const oldest = gauge('latchkey_oldest_secret_age_seconds', 'Age of the oldest Secret that an interval keeps fresh.');
  const leading = gauge('latchkey_leading', '1 for the replica that reconciles.');
  const queued = gauge('latchkey_reconcile_queue_length', 'ExternalSecrets that wait for their time or their turn.');
  const expiry = gauge('latchkey_certificate_expiry_timestamp_seconds', 'End of the serving certificate.');
  return (readings) => {
    condition.reset();
    for (const { namespace, name, isReady } of readings.conditions) {
      for (const status of ['True', 'False']) {
        condition.set({ namespace, name, condition: 'Ready', status }, Number(isReady === (status === 'True')));
      }
    }
    sinceSuccess.reset();
    for (const { sinceSuccessMs, ...store } of readings.stores) sinceSuccess.set(store, sinceSuccessMs / 1_000);
    oldest.set(readings.oldestSecretAgeMs / 1_000);
    leading.set(Number(readings.isLeading));
    queued.set(readings.queued);
    expiry.set(readings.certificateExpiresAtMs / 1_000);
  };
}
