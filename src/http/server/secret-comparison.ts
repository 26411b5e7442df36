import { createHash, timingSafeEqual } from 'node:crypto'

/** Is what was given the secret? Of digests, so that neither its content nor its length shows in the time. */
export function isSameSecret(candidate: string | string[] | undefined, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return typeof candidate === 'string' && timingSafeEqual(digest(candidate), digest(secret))
}
