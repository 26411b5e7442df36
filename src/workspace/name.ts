/** What a workspace can be called. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
