"""Telling other systems what happened: endpoints, deliveries, signatures, replay, and the feed to read instead.

An *endpoint* is an address of a system that wants to hear of events; a *delivery* is one event for one endpoint, tried
until it is answered with 2xx or given up; an *attempt* is one POST. Deliveries of one endpoint form its *lane*, which
one worker holds at a time, so that an endpoint that hangs is in nobody's way.

A commit puts events into the outbox. `matching` numbers them, and makes deliveries for the endpoints that asked;
`lanes` takes what is due and asks `consents` for leave; `sending` signs and posts, past the guard in `network`;
`delivering` is the loop around it. Nothing that is sent says more than that something happened, and where to read it.

Events: `endpoint.ping` (to the endpoint alone), `endpoint.disabled`.
"""
