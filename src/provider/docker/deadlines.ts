/**
 * How long we wait for the engine, in milliseconds. No call is without one: a promise of the client may never settle.
 */
export interface Deadlines {
  /** Readiness, and the look whether a silent engine still lives. */
  readonly ping: number
  /** Between two looks at a followed engine. */
  readonly heartbeat: number
  /** Reading: lists, inspects. */
  readonly read: number
  /** Making and starting a container, on a disk that is busy. */
  readonly make: number
  /** Stopping: the engine's own ten seconds of grace are within it. */
  readonly stop: number
  /** A whole removal, with the looks whether it is done. */
  readonly remove: number
  /** Between two looks whether a removal that somebody else began is done; and how long such a create is waited for. */
  readonly look: number
  /**
   * Until a pull's first line. The engine writes it as soon as the registry has answered `/v2/`, so this is the time
   * for name look-up, connection and one round trip. An engine left alone waits 15 s and more for a registry that drops
   * packets.
   */
  readonly registry: number
  /** Between two lines of a pull. */
  readonly stall: number
  readonly pull: number
  /** One lifecycle command. */
  readonly command: number
  /** First wait before an engine that was lost is tried again; it doubles up to `reconnectMost`. */
  readonly reconnect: number
  readonly reconnectMost: number
}

export const usualDeadlines: Deadlines = {
  ping: 2_000,
  heartbeat: 10_000,
  read: 15_000,
  make: 60_000,
  stop: 30_000,
  remove: 45_000,
  look: 1_000,
  registry: 5_000,
  stall: 120_000,
  pull: 20 * 60_000,
  command: 10 * 60_000,
  reconnect: 500,
  reconnectMost: 5_000,
}
