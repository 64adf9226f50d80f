/** What is asked of the issuing worker and what it answers. PEM texts cross a thread, never a process. */

/** A certificate with the private key that belongs to it. */
export interface KeyAndCertificate {
  readonly certificatePem: string;
  /** PKCS #8. */
  readonly privateKeyPem: string;
}

/** Milliseconds since the epoch, both ends inclusive. */
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface LeafRequest {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly validity: Validity;
}

export interface IssueRequest {
  /** A CA to issue under, or the validity of one to be made. */
  readonly issuer: KeyAndCertificate | Validity;
  /** Without it only the CA is made. */
  readonly leaf?: LeafRequest;
}

export interface Issued {
  readonly issuer: KeyAndCertificate;
  readonly leaf?: KeyAndCertificate;
}

/**
 * Makes certificates.
 * @throws LatchkeyError `Internal` when they cannot be made; the signal's reason when it aborts.
 */
export type Issue = (request: IssueRequest, signal: AbortSignal) => Promise<Issued>;
