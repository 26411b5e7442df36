import { useEffect, useRef, useState } from 'preact/hooks'
import { said } from './fleet.ts'

export interface Asked<T> {
  /** The last answer; `null` before the first. */
  readonly answer: T | null
  /** Why there was none the last time. */
  readonly trouble: string | null
  /** Asks now. */
  readonly again: () => void
}

/** Asks for what the feed does not tell: at once, whenever one of `when` has changed, and every so often if `everyMs` says so. */
export function useAsked<T>(ask: () => Promise<T>, everyMs: number | null, when: readonly unknown[]): Asked<T> {
  const [asked, setAsked] = useState<Omit<Asked<T>, 'again'>>({ answer: null, trouble: null })
  const again = useRef(() => {})
  useEffect(() => {
    let over = false
    let round = 0
    const once = async () => {
      const mine = ++round // an answer that was overtaken is not shown
      try {
        const answer = await ask()
        if (!over && mine === round) setAsked({ answer, trouble: null })
      } catch (error) {
        if (!over && mine === round) setAsked(({ answer }) => ({ answer, trouble: said(error) }))
      }
    }
    again.current = () => void once()
    void once()
    const timer = everyMs === null ? undefined : setInterval(() => void once(), everyMs)
    return () => {
      over = true
      clearInterval(timer)
    }
  }, when)
  return { ...asked, again: () => again.current() }
}
