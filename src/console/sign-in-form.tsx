import { useState } from 'preact/hooks'

interface Props {
  /** Why the previous attempt failed. */
  readonly error: string | null
  readonly onSubmit: (name: string) => void
}

/** Asks for a user name. Nothing verifies it: the service runs in dev mode, where it trusts any name. */
export function SignInForm({ error, onSubmit }: Props) {
  const [name, setName] = useState('')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit(name.trim())
      }}
    >
      <label for="user-name">User name</label>
      <p id="user-name-hint">The service runs in dev mode and trusts any name. This browser remembers it.</p>
      <div class="row">
        <input
          id="user-name"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
          aria-describedby="user-name-hint"
          autocomplete="username"
          maxLength={128}
          required
        />
        <button type="submit" class="primary">
          Sign in
        </button>
      </div>
      {error !== null && (
        <p class="notice error" role="alert">
          {error}
        </p>
      )}
    </form>
  )
}
