/** What the webhook serves with and is found by. PEM texts; everything here is made and kept together. */
export interface ServingCredentials {
  /** Leaf, then its issuers. */
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** CAs that the API server is to trust: the current one, and during a rotation the one before. */
  readonly caBundlePem: string;
  /** Random path segment, 256 bits hex: whoever does not know it gets 404. */
  readonly pathSegment: string;
  /** Installation key for opaque versions on pods, 32 bytes hex. */
  readonly versionKey: string;
  /** End of the leaf's validity, milliseconds since the epoch. */
  readonly notAfterMs: number;
}

/** Where serving credentials come from: a Secret, or a directory. */
export interface CertificateSource {
  /** Loads what is stored, or issues and stores it. Of two replicas that start at once both end with the same. */
  load(signal: AbortSignal): Promise<ServingCredentials>;
  /**
   * Watches the store and renews before expiry until `signal` aborts. The listener gets each new set once; a set that
   * cannot be read or parsed is reported to the log and the one before stays.
   */
  follow(listener: (credentials: ServingCredentials) => void, signal: AbortSignal): void;
}
