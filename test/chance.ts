/** Chance that a seed decides: the same seed, the same numbers, on every machine. */
export interface Chance {
  /** From 0 to below 1. */
  luck(): number
  happens(probability: number): boolean
  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number
  hex(digits: number): string
  pick<T>(from: readonly [T, ...T[]]): T
  /** Chance of its own for one part of a world: what the others draw changes nothing of it. */
  part(name: string): Chance
}

/** Mulberry32: its state is one number, so a world's chance is its seed. */
export function chance(seed: number): Chance {
  let state = seed >>> 0

  function luck(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  const between = (least: number, most: number) => least + Math.floor(luck() * (most - least + 1))
  return {
    luck,
    happens: (probability) => luck() < probability,
    between,
    pick: (from) => from[between(0, from.length - 1)] ?? from[0],
    part(name) {
      let mixed = seed >>> 0
      for (const letter of name) mixed = Math.imul(mixed ^ letter.charCodeAt(0), 0x01000193) >>> 0
      return chance(mixed)
    },
    hex: (digits) => Array.from({ length: digits }, () => Math.floor(luck() * 16).toString(16)).join(''),
  }
}
