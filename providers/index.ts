import type { ProviderRegistry } from '../src/ports/provider.ts';

/** Every provider by its key in `spec.provider`, loaded on first use. */
export const providers = {
  aws: () => import('./aws/index.ts'),
  fake: () => import('./fake/index.ts'),
  vault: () => import('./vault/index.ts'),
} as const satisfies ProviderRegistry;
