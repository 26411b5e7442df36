/** Matches a valid workspace name. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
