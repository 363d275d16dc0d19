"""The plan that a clinic and a patient make: phase, modalities, goals, practice; the safety plan beside it.

A *care plan* is versioned: who changed what and why; the patient sees the current one and the one before. *Practice* is
assigned in it and logged by the patient. The *safety plan* is the patient's own. *Contingency management* stands apart,
and from alerts too. Events: `care_plan.changed`, `practice.logged`, `safety_plan.changed`, `contingency.changed`,
`contingency.recorded`.
"""
