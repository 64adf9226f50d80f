const INTEGER = /^-?\d+$/;
const EXPONENT = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/;

/**
 * A JSON number as gjson's `String()` gives it: an integer literal as it is spelled, whatever its size; anything else the
 * shortest decimal that reads back as the same float64, without exponent (Go's `FormatFloat(n, 'f', -1, 64)`).
 */
export function jsonNumberText(literal: string): string {
  if (INTEGER.test(literal)) return literal;
  const value = Number(literal);
  if (Object.is(value, -0)) return '-0';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return withoutExponent(String(value));
}

function withoutExponent(text: string): string {
  const match = EXPONENT.exec(text);
  if (match === null) return text;
  const [, sign = '', head = '', fraction = '', exponentText = ''] = match;
  const exponent = Number(exponentText);
  const digits = head + fraction;
  // JavaScript turns to exponents only below 1e-6 and from 1e21 on, so the point never falls inside the digits.
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return sign + digits.padEnd(exponent + 1, '0');
}
