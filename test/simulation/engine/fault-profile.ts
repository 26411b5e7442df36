/** How badly an engine behaves. Shares are from 0 to 1, of requests or of notices. */
export interface FaultProfile {
  /** Answered with a fault before anything was done. */
  readonly rejected: number
  /** Answered with a fault although it was done: "created, but answered 500". */
  readonly doneButFailed: number
  /** Not answered before the provider's own deadline; done all the same, at some time, or not. */
  readonly timedOut: number
  /** Of the refusals: those that a person has to do something about. */
  readonly permanent: number
  /** Of requests that were called off: those that the engine carries out all the same, later. */
  readonly performedAfterAbort: number
  readonly lostNotices: number
  readonly duplicatedNotices: number
  readonly maxLatencyMs: number
}

export type FaultProfileName = 'even' | 'moody' | 'vile'

export const faultProfiles: Readonly<Record<FaultProfileName, FaultProfile>> = {
  even: {
    rejected: 0,
    doneButFailed: 0,
    timedOut: 0,
    permanent: 0,
    performedAfterAbort: 0,
    lostNotices: 0,
    duplicatedNotices: 0,
    maxLatencyMs: 1500,
  },
  moody: {
    rejected: 0.08,
    doneButFailed: 0.08,
    timedOut: 0.02,
    permanent: 0.03,
    performedAfterAbort: 0.5,
    lostNotices: 0.2,
    duplicatedNotices: 0.2,
    maxLatencyMs: 8000,
  },
  vile: {
    rejected: 0.22,
    doneButFailed: 0.15,
    timedOut: 0.06,
    permanent: 0.06,
    performedAfterAbort: 0.8,
    lostNotices: 0.6,
    duplicatedNotices: 0.3,
    maxLatencyMs: 40_000,
  },
}
