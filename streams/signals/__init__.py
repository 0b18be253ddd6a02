"""Early signals of a defect: a product or topic whose contacts turn out badly more often than they used to."""
