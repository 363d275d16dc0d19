"""Programs that call on their own, or for people: a clinic registers them, limits them and ends them.

A *client* is registered by one clinic and works there only. It proves who it is with a *secret*, with an *assertion*
signed by a key of its own, or not at all (a public client: an app that people sign in to). A client that proves itself
acts as a membership of the clinic with the role `service`, whose id is the `client_id`.
"""
