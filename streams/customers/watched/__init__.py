"""What alert rules may look at of a contact, a customer and a journey, one kind a file: how it has been, in pieces over
time (`streams.alerts.signals`). All are functions of what is known of the contacts, whatever came first.
"""
