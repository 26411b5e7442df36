/** How badly an engine behaves. Shares are from 0 to 1, of requests or of notices. */
export interface Temper {
  /** Answered with a fault before anything was done. */
  readonly refused: number
  /** Answered with a fault although it was done: "created, but answered 500". */
  readonly doneButFailed: number
  /** Not answered before the provider's own deadline; done all the same, at some time, or not. */
  readonly hung: number
  /** Of the refusals: those that a person has to do something about. */
  readonly hopeless: number
  /** Of requests that were called off: those that the engine carries out all the same, later. */
  readonly carriedOut: number
  readonly lostNotices: number
  readonly doubledNotices: number
  readonly slowestMs: number
}

export type TemperName = 'even' | 'moody' | 'vile'

export const tempers: Readonly<Record<TemperName, Temper>> = {
  even: {
    refused: 0,
    doneButFailed: 0,
    hung: 0,
    hopeless: 0,
    carriedOut: 0,
    lostNotices: 0,
    doubledNotices: 0,
    slowestMs: 1500,
  },
  moody: {
    refused: 0.08,
    doneButFailed: 0.08,
    hung: 0.02,
    hopeless: 0.03,
    carriedOut: 0.5,
    lostNotices: 0.2,
    doubledNotices: 0.2,
    slowestMs: 8000,
  },
  vile: {
    refused: 0.22,
    doneButFailed: 0.15,
    hung: 0.06,
    hopeless: 0.06,
    carriedOut: 0.8,
    lostNotices: 0.6,
    doubledNotices: 0.3,
    slowestMs: 40_000,
  },
}
