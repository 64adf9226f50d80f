import { SecretValue } from '../../../../src/core/secret-value.ts';
import { TemplateError } from '../../../../src/core/template/template-error.ts';
import type { GoLibraries, TemplateRules } from '../../../../src/ports/go-libraries.ts';

export const GO_RULES: TemplateRules = { delimiters: ['{{', '}}'], isKeyDemanded: true };

export function secretValues(values: Readonly<Record<string, string | Buffer>>): ReadonlyMap<string, SecretValue> {
  return new Map(Object.entries(values).map(([name, value]) => [name, new SecretValue(Buffer.from(value))]));
}

/** One template over plain values: the text that comes out, one character a byte. */
export async function renderText(
  libraries: GoLibraries,
  template: string,
  values: Readonly<Record<string, string | Buffer>> = {},
): Promise<string> {
  const call = {
    text: SecretValue.fromText(template),
    values: secretValues(values),
    isMap: false,
    isConfidential: false,
  };
  const [members] = await libraries.render([call], GO_RULES, AbortSignal.timeout(300_000));
  return members?.get('')?.reveal().toString('latin1') ?? '';
}

/** What is said of a template that fails. */
export async function renderFailure(
  libraries: GoLibraries,
  template: string,
  values: Readonly<Record<string, string | Buffer>> = {},
): Promise<string> {
  try {
    await renderText(libraries, template, values);
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
  return 'it is rendered';
}
