import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

interface Props {
  /** The id of its heading. */
  readonly titleId: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

/** Asks something before anything else goes on. Escape closes it; the focus goes back to where it was. */
export function Modal({ titleId, onClose, children }: Props) {
  const dialogRef = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const previousFocus = document.activeElement
    dialogRef.current?.showModal()
    return () => {
      if (previousFocus instanceof HTMLElement) previousFocus.focus()
    }
  }, [])
  return (
    <dialog ref={dialogRef} onClose={onClose} aria-labelledby={titleId}>
      {children}
    </dialog>
  )
}
