import type { ExternalSecret } from '../api/external-secrets.ts';
import { targetName } from '../core/external-secret/target-name.ts';

/** ExternalSecrets by the namespace and name of the Secret they make. */
export class TargetIndex {
  readonly #byTarget = new Map<string, Map<string, ExternalSecret>>();

  update(before: ExternalSecret | undefined, after: ExternalSecret | undefined): void {
    if (before !== undefined) this.#remove(before);
    if (after !== undefined) {
      const key = keyOf(after);
      const claimants = this.#byTarget.get(key) ?? new Map<string, ExternalSecret>();
      claimants.set(after.metadata.name, after);
      this.#byTarget.set(key, claimants);
    }
  }

  /** Everyone who claims this Secret. */
  claimants(namespace: string, secretName: string): readonly ExternalSecret[] {
    return [...(this.#byTarget.get(`${namespace}/${secretName}`)?.values() ?? [])];
  }

  #remove(externalSecret: ExternalSecret): void {
    const key = keyOf(externalSecret);
    const claimants = this.#byTarget.get(key);
    claimants?.delete(externalSecret.metadata.name);
    if (claimants?.size === 0) this.#byTarget.delete(key);
  }
}

function keyOf(externalSecret: ExternalSecret): string {
  return `${externalSecret.metadata.namespace}/${targetName(externalSecret)}`;
}
