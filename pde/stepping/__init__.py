"""Time stepping with whole loops in machine code: explicit, exponential and implicit-explicit methods.

``system.solve(..., method="RK4", dt=0.01)`` uses it; :data:`symnum.pde.methods.METHODS` lists the methods.
"""
