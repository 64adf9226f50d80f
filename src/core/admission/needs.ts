import type { Reference } from './references.ts';

/** What a pod needs of one Secret, all its references taken together. */
export interface Need {
  readonly secretName: string;
  /** True when every reference is optional: then nothing about this Secret may deny the pod. */
  readonly isOptional: boolean;
  /** Keys without which a container would not start. */
  readonly keys: readonly string[];
  readonly references: readonly Reference[];
}

/** Groups references by Secret, in order of first mention. */
export function needsOf(references: readonly Reference[]): readonly Need[] {
  const bySecret = Map.groupBy(references, ({ secretName }) => secretName);
  return [...bySecret].map(([secretName, uses]) => {
    const required = uses.filter(({ isOptional }) => !isOptional);
    return {
      secretName,
      isOptional: required.length === 0,
      keys: [...new Set(required.flatMap(({ keys }) => keys))],
      references: uses,
    };
  });
}
