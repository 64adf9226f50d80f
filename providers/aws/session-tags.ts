import type { ClientContext } from '../../src/ports/provider.ts';
import type { AwsConfig } from './schema.ts';

/** Do the tags tell which namespace asks? */
export function tellsNamespace({ role, sessionTagsPolicy = 'None' }: AwsConfig): boolean {
  return Boolean(role) && sessionTagsPolicy !== 'None';
}

/** The tags of the session that assumes `role`; those that tell who asks win over any other. */
export function sessionTagsOf(
  config: AwsConfig,
  { store, namespace }: Pick<ClientContext, 'store' | 'namespace'>,
): ReadonlyMap<string, string> {
  const tags = new Map((config.sessionTags ?? []).map(({ key, value }) => [key, value]));
  if (!tellsNamespace(config)) return tags;
  const custom = config.sessionTagsPolicy === 'Custom' ? Object.entries(config.customSessionTags ?? {}) : [];
  for (const [key, value] of custom) tags.set(key, value);
  if (namespace !== undefined) tags.set('esoNamespace', namespace);
  return tags.set('esoStoreName', store.name).set('esoStoreKind', store.kind);
}
