import { LRUCache } from 'lru-cache';
import { configMaps } from '../api/resources.ts';
import type { Pod } from '../api/kubernetes.ts';
import { configMapsOf } from '../core/inline/find-inline.ts';
import { isInlineReference } from '../core/inline/reference.ts';
import { printable } from '../core/names.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Logger } from '../ports/logger.ts';

const REMEMBERED_FOR_MS = 30_000;
const CONFIG_MAPS_REMEMBERED = 5_000;
const MOST_PER_POD = 8;
/** A warning is not worth a longer wait. */
const LOOK_TIMEOUT_MS = 500;

/** Looks into the ConfigMaps that pods take env from: an inline reference there is not resolved, which is worth a warning. */
export class ConfigMapLook {
  readonly #cluster: Cluster;
  readonly #logger: Logger;
  /** First key whose value is an inline reference; empty = none. */
  readonly #findings = new LRUCache<string, string>({ max: CONFIG_MAPS_REMEMBERED, ttl: REMEMBERED_FOR_MS });

  constructor(cluster: Cluster, logger: Logger) {
    this.#cluster = cluster;
    this.#logger = logger;
  }

  /** Never throws: what cannot be read is not warned of. */
  async warnings(pod: Pod, namespace: string): Promise<readonly string[]> {
    const names = configMapsOf(pod).slice(0, MOST_PER_POD);
    if (names.length === 0) return [];
    const keys = await Promise.all(names.map((name) => this.#find(namespace, name)));
    return names.flatMap((name, index) =>
      (keys[index] ?? '') === ''
        ? []
        : [
            `key "${printable(keys[index] ?? '', 80)}" of ConfigMap "${printable(name)}" is an inline reference, which is resolved only in a pod’s own env: the container gets it as it stands`,
          ],
    );
  }

  async #find(namespace: string, name: string): Promise<string> {
    const id = `${namespace}/${name}`;
    const known = this.#findings.get(id);
    if (known !== undefined) return known;
    try {
      const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS);
      const configMap = await this.#cluster.get(configMaps, { namespace, name }, { signal });
      const [key = ''] = Object.entries(configMap?.data ?? {}).find(([, value]) => isInlineReference(value)) ?? [];
      this.#findings.set(id, key);
      return key;
    } catch (cause) {
      this.#logger.debug('a ConfigMap could not be looked into', { namespace, configMap: name, cause: String(cause) });
      return '';
    }
  }
}
