import { useEffect, useState } from 'preact/hooks'
import type { FleetStore, FleetView } from './fleet-store.ts'

/** The current view of the fleet; the component renders again after each change. */
export function useFleet(fleet: FleetStore): FleetView {
  const [view, setView] = useState(fleet.getView)
  useEffect(() => {
    const update = () => setView(fleet.getView())
    update()
    return fleet.subscribe(update)
  }, [fleet])
  return view
}
