/** A client whose certificate names a user, on its way from TLS to those who let users in. */

/** One for each connection. TLS has proved that the client has the key of the certificate. */
export interface CertifiedClient {
  /** As it stands in the certificate: there may be no such user. */
  readonly name: string;
  /** The login by which the connection was let in last, so that another one alone is recorded; undefined for none. */
  login: number | undefined;
}
