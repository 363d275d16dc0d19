"""Who watches: the audit for privacy officers, who read my record for patients, and records opened in an emergency.

An emergency access is a place in the care team that ends by itself, with a reason, a review, and a line that the
patient sees. Event: `emergency_access.opened`.
"""
