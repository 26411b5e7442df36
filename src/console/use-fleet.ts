import { useEffect, useState } from 'preact/hooks'
import type { Fleet, FleetView } from './fleet.ts'

/** The fleet as it is now, drawn anew after each change. */
export function useFleet(fleet: Fleet): FleetView {
  const [view, setView] = useState(fleet.read)
  useEffect(() => {
    const draw = () => setView(fleet.read())
    draw()
    return fleet.watch(draw)
  }, [fleet])
  return view
}

/** The time, once a second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return now
}
