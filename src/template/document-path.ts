/** The path of a value in a document, from the root: `['forwardPorts', 1]`. */
export type DocumentPath = readonly (string | number)[]

/** Formats a path as code: `mounts[0].source`. */
export function formatPath(path: DocumentPath): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${part}`)).join('')
}

/** The value at `path` in `root`; `undefined` if there is none. */
export function valueAt(root: unknown, path: DocumentPath): unknown {
  return path.reduce<unknown>(
    (outer, part) => (isObject(outer) || Array.isArray(outer) ? Reflect.get(outer, part) : undefined),
    root,
  )
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
