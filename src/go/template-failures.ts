import type { TemplateCall } from '../ports/go-libraries.ts';
import { printable } from '../core/names.ts';
import { SecretValue } from '../core/secret-value.ts';
import { TemplateError } from '../core/template/template-error.ts';
import type { ResponseReader } from './wire.ts';
import { YAML_FAULTS } from './yaml-faults.ts';

/** What can be wrong with a template, by the kinds of src/go/module/render_failure.go. `named` is a name out of it. */
const FAULTS: Readonly<Record<string, (named: string) => string>> = {
  template: () => 'it cannot be rendered',
  'no-key': (named) => `there is no key${named}`,
  'no-field': (named) => `there is nothing that the field${named} could be read from`,
  'no-such-function': (named) => `there is no function${named}`,
  'no-variable': (named) => `there is no variable${named}`,
  'no-function': () => 'something is called that is no function',
  'no-template': () => 'another template is called that is not defined',
  'no-value': () => 'a value is missing in an action',
  'defined-twice': () => 'a template is defined twice',
  'unclosed-action': () => 'an action is not closed',
  'unclosed-parenthesis': () => 'a parenthesis is not closed',
  'outside-range': () => 'break and continue stand in no range',
  'unclosed-text': () => 'a quoted text is not closed',
  'unclosed-comment': () => 'a comment is not closed',
  'unexpected-end': () => 'it ends within an if, range, with, block or define, or within an action',
  'unopened-end': () => 'an end has no beginning',
  'number-syntax': () => 'a number cannot be read, or is too large',
  character: () => 'there is a character that an action cannot have (keys with - or . are read by: index . "key")',
  unexpected: () => 'something stands where it cannot',
  depth: () => 'templates call each other too deeply',
  range: () => 'range goes over something that is no list, map, number or text',
  type: () => 'a value is of a type that cannot be used there',
  arguments: () => 'the number of arguments is wrong',
};

/** Why a function fails. */
const CAUSES: Readonly<Record<string, string>> = {
  bounds: 'there is nothing at that position',
  certificate: 'a PEM block holds no certificate that can be read',
  'chain-circle': 'the certificates name each other as issuers in a circle',
  'chain-no-leaf': 'there is no certificate, or none that issues no other',
  'chain-several': 'the certificates are not one chain',
  comparison: 'the values cannot be compared',
  date: 'that is no date in the given form',
  decryption: 'it cannot be decrypted with that key and hash',
  division: 'division by zero',
  encoding: 'the text is not in that encoding',
  expression: 'the regular expression cannot be read',
  json: 'the text is not JSON of that form',
  junk: 'there is text that is no PEM block of that kind',
  jwk: 'that is no JSON Web Key',
  'jwk-public': 'the JSON Web Key holds no private key',
  key: 'the private key cannot be read (PKCS#1, PKCS#8 and SEC 1 can)',
  'no-pem': 'there is no PEM block',
  'no-rsa': 'the key is no RSA key',
  password: 'the password of the PKCS#12 store is another one',
  pkcs12: 'the PKCS#12 store cannot be read or made',
  scheme: 'the scheme is neither None nor RSA-OAEP',
};

/** What the library itself reports of a template, in our own words. */
export function templateFailure(
  kind: string,
  detail: string,
  response: ResponseReader,
  templates: readonly TemplateCall[],
): TemplateError {
  if (!response.flag()) return new TemplateError(problemOf(kind, detail, '', false), { template: 0 });
  const template = response.number();
  const [line, byteColumn, name] = [response.number(), response.number(), response.text()];
  const call = templates[template];
  // A value that reads like one of Go's texts could make any name of it: a name has to stand in the template.
  const isSpelled = call?.isConfidential === false && call.text.reveal().includes(detail);
  const problem = problemOf(kind, detail, name, isSpelled);
  if (line === 0) return new TemplateError(problem, { template });
  const lineBytes = call?.text.reveal().toString('latin1').split('\n')[line - 1] ?? '';
  const before = Buffer.from(lineBytes.slice(0, byteColumn - 1), 'latin1').toString('utf8');
  const column = Array.from(before).length + 1;
  const shown = call?.isConfidential === false ? { lineText: new SecretValue(Buffer.from(lineBytes, 'latin1')) } : {};
  return new TemplateError(problem, { template, line, column, ...shown });
}

function problemOf(kind: string, detail: string, name: string, mayName: boolean): string {
  if (kind === 'call') {
    if (name === 'fail') return 'template called fail';
    const cause = CAUSES[detail];
    return `the function ${name} fails${cause === undefined ? '' : `: ${cause}`}`;
  }
  if (kind === 'arguments' && name !== '') return `the function ${name} gets the wrong number of arguments`;
  if (kind === 'too-large') return 'what comes out is larger than 8 MiB';
  const yaml = YAML_FAULTS[kind];
  if (yaml !== undefined) return `what comes out cannot be used: ${yaml}${detail === '' ? '' : `: line ${detail}`}`;
  const named = !mayName || detail === '' ? '' : ` "${printable(detail, 60)}"`;
  return (FAULTS[kind] ?? (() => 'it cannot be rendered'))(named);
}
