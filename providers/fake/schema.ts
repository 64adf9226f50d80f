import * as z from 'zod/mini';

const text = z.string().check(z.minLength(1));

/** `spec.provider.fake` as upstream spells it; `valueMap` went away with v1. */
export const fakeConfig = z.strictObject({
  data: z.array(z.strictObject({ key: text, value: text, version: z.optional(z.string()) })),
  /** 0 ready, 1 unknown, 2 error. */
  validationResult: z.optional(z.union([z.literal(0), z.literal(1), z.literal(2)])),
});

export type FakeConfig = z.infer<typeof fakeConfig>;
