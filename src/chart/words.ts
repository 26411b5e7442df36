// XState's own names in people's words.

/** The event in people's words. `effects` are the effects that the state invokes: id → source; an `alarm` is over, others are done. */
export function eventWords(type: string, effects: ReadonlyMap<string, string>): string {
  if (type === '') return 'at once'
  if (type === '*') return 'any other event'
  const [, kind, of, rest = ''] = /^xstate\.(done|error|snapshot|after)\.(actor|state|[^.]+)\.?(.*)$/.exec(type) ?? []
  if (kind === undefined || of === undefined) return type
  if (kind === 'after') return /^\d+$/.test(of) ? `after ${of} ms` : `after ${of}`
  if (of === 'state') return `${rest.split('.').at(-1)} done`
  if (kind === 'error') return `${rest} broke`
  if (kind === 'snapshot') return `${rest} told`
  return effects.get(rest) === 'alarm' ? `${rest} over` : `${rest} done`
}

/** An action's name; one that is written in place is called by what it does. */
export function actionName(action: unknown): string {
  return nameOf(action)
}

/** A guard's name, with its parameter if that is fixed: `isAt: image`, `not(isAt: image)`. */
export function guardText(guard: unknown): string {
  if (typeof guard === 'function' && 'guards' in guard && Array.isArray(guard.guards)) {
    return `${guard.name}(${guard.guards.map(guardText).join(', ')})`
  }
  const fixed = hasKey(guard, 'params') && typeof guard.params !== 'function' ? guard.params : undefined
  if (fixed === undefined) return nameOf(guard)
  return `${nameOf(guard)}: ${typeof fixed === 'string' ? fixed : JSON.stringify(fixed)}`
}

/** The name of an effect's logic; one that is written in place has none. */
export function effectName(src: unknown): string {
  return typeof src === 'string' && !src.startsWith('xstate.') ? src : 'written in place'
}

function nameOf(it: unknown): string {
  if (typeof it === 'string') return it
  if (hasKey(it, 'type') && typeof it.type === 'string') return it.type.replace(/^xstate\./, '')
  return typeof it === 'function' && it.name !== '' ? it.name : 'written in place'
}

function hasKey<K extends string>(it: unknown, key: K): it is Record<K, unknown> {
  return (typeof it === 'object' || typeof it === 'function') && it !== null && key in it
}
