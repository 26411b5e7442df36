import { useEffect, useState } from 'preact/hooks'
import type { FleetStore, FleetView } from './fleet-store.ts'

/** The fleet as it is now, drawn anew after each change. */
export function useFleet(fleet: FleetStore): FleetView {
  const [view, setView] = useState(fleet.getView)
  useEffect(() => {
    const update = () => setView(fleet.getView())
    update()
    return fleet.subscribe(update)
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
