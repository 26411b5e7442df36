/** How often an engine fails. Probabilities from 0 to 1, per request or per notice. */
export interface FaultProfile {
  /** The request fails before anything is done. */
  readonly rejected: number
  /** The request is carried out but answered with a fault. */
  readonly doneButFailed: number
  /** The request is not answered before the provider's deadline. It may still be carried out at some time. */
  readonly timedOut: number
  /** A rejected request fails with a permanent fault. */
  readonly permanent: number
  /** An aborted request is carried out later. */
  readonly performedAfterAbort: number
  readonly lostNotices: number
  readonly duplicatedNotices: number
  readonly maxLatencyMs: number
}

export type FaultProfileName = 'none' | 'moderate' | 'severe'

export const faultProfiles: Readonly<Record<FaultProfileName, FaultProfile>> = {
  none: {
    rejected: 0,
    doneButFailed: 0,
    timedOut: 0,
    permanent: 0,
    performedAfterAbort: 0,
    lostNotices: 0,
    duplicatedNotices: 0,
    maxLatencyMs: 1500,
  },
  moderate: {
    rejected: 0.08,
    doneButFailed: 0.08,
    timedOut: 0.02,
    permanent: 0.03,
    performedAfterAbort: 0.5,
    lostNotices: 0.2,
    duplicatedNotices: 0.2,
    maxLatencyMs: 8000,
  },
  severe: {
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
