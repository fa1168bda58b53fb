"""A DICOM node that estimates children's bone density from chest films they already had."""

__version__ = "0.1.0"
