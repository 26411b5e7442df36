import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

interface Props {
  /** The id of its heading. */
  readonly title: string
  readonly close: () => void
  readonly children: ComponentChildren
}

/** Asks something before anything else goes on. Escape closes it; the focus goes back to where it was. */
export function Modal({ title, close, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const asker = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (asker instanceof HTMLElement) asker.focus()
    }
  }, [])
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby={title}>
      {children}
    </dialog>
  )
}
