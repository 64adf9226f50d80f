import { printJson } from '../../src/core/json/go-json.ts';
import { SecretValue } from '../../src/core/secret-value.ts';

interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** As upstream hands them out: what Go's `json.Marshal` makes of a map. */
export function tagsAsDocument(tags: readonly Tag[] = []): SecretValue {
  const entries = tags.map(({ Key = '', Value = '' }) => [Key, Value] as const);
  return SecretValue.fromText(printJson(new Map(entries), true));
}

export function hasTags(tags: readonly Tag[] = [], wanted: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(wanted).every(([key, value]) => tags.some((tag) => tag.Key === key && tag.Value === value));
}
