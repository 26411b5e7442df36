/** An image reference, split as the engine's pull expects it. */
export interface ImageReference {
  /** Includes the registry if the reference names one: `node`, `ghcr.io/acme/dev`. */
  readonly repository: string
  /** A tag or a digest. Never empty: a pull without one would fetch every tag. */
  readonly tag: string
  /** `docker.io` unless the reference names another. */
  readonly registry: string
}

// The pattern of the distribution project, relaxed where the engine validates. Admits no character with a meaning in
// URLs.
const referencePattern =
  /^(?<repository>[a-zA-Z0-9][\w.-]*(?::\d+(?=\/))?(?:\/[a-z0-9][a-z0-9._-]*)*)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>\w+:[0-9a-fA-F]{32,}))?$/

/** Parses an image reference; `undefined` if it is invalid. As in the Docker client, the default tag is `latest`. */
export function parseImageReference(reference: string): ImageReference | undefined {
  const groups = referencePattern.exec(reference)?.groups
  const repository = groups?.['repository']
  if (repository === undefined) return undefined
  const firstPart = repository.split('/')[0] ?? ''
  const hasRegistry = repository.includes('/') && (/[.:]/.test(firstPart) || firstPart === 'localhost')
  return {
    repository,
    tag: groups?.['digest'] ?? groups?.['tag'] ?? 'latest',
    registry: hasRegistry ? firstPart : 'docker.io',
  }
}
