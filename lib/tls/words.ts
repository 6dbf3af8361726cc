/** Certificates in words, for people. */

import type { Certificate } from "./certificate.ts";

/** Whether a certificate holds. */
export type State = "valid" | "expired" | "not_yet_valid";

const UNITS: readonly (readonly [word: string, ms: number])[] = [["day", 86_400_000], ["hour", 3_600_000], [
  "minute",
  60_000,
]];

/** Whether the certificate holds at that time, in milliseconds since 1970. */
export function stateOf({ notBefore, notAfter }: Certificate, now: number): State {
  return now > notAfter ? "expired" : now < notBefore ? "not_yet_valid" : "valid";
}

/** As `expires in 364 days`. */
export function expiryInWords(certificate: Certificate, now: number): string {
  const { notBefore, notAfter } = certificate;
  switch (stateOf(certificate, now)) {
    case "valid":
      return `expires in ${duration(notAfter - now)}`;
    case "expired":
      return `expired ${duration(now - notAfter)} ago`;
    case "not_yet_valid":
      return `not yet valid, begins in ${duration(notBefore - now)}: is the clock of this machine right?`;
  }
}

/** Whom the certificate is for, as machines compare it. */
export function namesInWords({ names: { dns, ip, uri } }: Certificate): string {
  const all = [...dns, ...ip, ...uri];
  return all.length === 0 ? "none" : all.join(", ");
}

/** What the certificate is for. */
export function purposesInWords({ purposes, isAuthority }: Certificate): string {
  if (isAuthority) return "signs others";
  return purposes.length === 0 ? "any" : purposes.join(", ");
}

/** All that people ask of a certificate that does not fit: subject, issuer, names and expiry. */
export function certificateInWords(certificate: Certificate, now: number): string {
  const { subject, issuer } = certificate;
  return `subject ${subject}, issuer ${issuer}, names ${namesInWords(certificate)}, valid ${
    datesInWords(certificate)
  }, ${expiryInWords(certificate, now)}`;
}

/** From when until when, to the second. */
export function datesInWords({ notBefore, notAfter }: Certificate): string {
  return [notBefore, notAfter].map((ms) => new Date(ms).toISOString().replace(".000Z", "Z")).join(" to ");
}

/** The largest unit of which there are two or more. */
function duration(ms: number): string {
  const [word, unit] = UNITS.find(([, each]) => ms >= 2 * each) ?? ["second", 1_000];
  const count = Math.floor(ms / unit);
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
