/** An image reference, taken apart as the engine's pull wants it. */
export interface ImageReference {
  /** With the registry if one is named: `node`, `ghcr.io/acme/dev`. */
  readonly repository: string
  /** A tag or a digest. Never empty: a pull without one fetches every tag there is. */
  readonly tag: string
  /** `docker.io`, unless the reference names another. */
  readonly registry: string
}

// As in the distribution project, loosened where the engine refuses by itself. No character of a URL's syntax gets
// through.
const referencePattern =
  /^(?<repository>[a-zA-Z0-9][\w.-]*(?::\d+(?=\/))?(?:\/[a-z0-9][a-z0-9._-]*)*)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>\w+:[0-9a-fA-F]{32,}))?$/

/** Reads an image reference; `undefined` if `reference` is none. As with the docker client, no tag means `latest`. */
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
