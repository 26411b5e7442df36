/** Chance that a seed decides: the same seed, the same numbers, on every machine. */
export interface SeededRandom {
  /** From 0 to below 1. */
  next(): number
  chance(probability: number): boolean
  /** A whole number from `least` to `most`. */
  integer(min: number, max: number): number
  hex(digits: number): string
  pick<T>(items: readonly [T, ...T[]]): T
  /** Chance of its own for one part of a world: what the others draw changes nothing of it. */
  fork(name: string): SeededRandom
}

/** Mulberry32: its state is one number, so a world's chance is its seed. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0

  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let hash = Math.imul(state ^ (state >>> 15), state | 1)
    hash ^= hash + Math.imul(hash ^ (hash >>> 7), hash | 61)
    return ((hash ^ (hash >>> 14)) >>> 0) / 2 ** 32
  }

  const integer = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))
  return {
    next,
    chance: (probability) => next() < probability,
    integer,
    pick: (items) => items[integer(0, items.length - 1)] ?? items[0],
    fork(name) {
      let hash = seed >>> 0
      for (const letter of name) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0
      return seededRandom(hash)
    },
    hex: (digits) => Array.from({ length: digits }, () => Math.floor(next() * 16).toString(16)).join(''),
  }
}
