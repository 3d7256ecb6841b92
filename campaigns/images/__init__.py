"""The image library: what is uploaded, made anew, kept, published and served."""
