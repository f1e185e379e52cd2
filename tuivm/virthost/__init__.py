"""A whole virtualization host made of software: an IOMMU, SR-IOV and KVM where there are none."""
